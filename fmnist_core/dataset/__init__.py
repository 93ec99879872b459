"""Fashion-MNIST as arrays: reading it from files, and which of its images to show.

Source of the data set: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017, https://arxiv.org/abs/1708.07747.
"""
