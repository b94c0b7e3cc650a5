"""Cases anyone can append to: data, expressions, and the contacts or the problem they must give."""
