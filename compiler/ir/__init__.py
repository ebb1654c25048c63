"""What the network computes, in integers: the graph, its rules, its arithmetic."""
