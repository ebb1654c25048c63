"""`firelane demo`: a page on this machine that shows pictures to a board, real or simulated."""
