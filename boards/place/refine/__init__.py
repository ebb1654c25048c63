"""Late paths made shorter, after annealing."""
