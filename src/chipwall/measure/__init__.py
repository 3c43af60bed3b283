"""What a chip does when asked: microbenchmarks that write rows in the columns of the shared tables. Knows no model.

:mod:`chipwall.measure.collector` is one file that needs nothing but PyTorch, so that it also runs where chipwall is not.
"""
