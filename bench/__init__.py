"""The race: data generator, workloads, peers and reports. Not part of the installed package."""
