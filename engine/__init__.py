"""Tables, plans and bitmaps: everything between a typed expression and the contacts it selects."""
