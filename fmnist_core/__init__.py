"""Fashion-MNIST and one small convolutional network: data, training, evaluation and explanation.

Nothing in here knows of a web page. Importing the package alone loads no heavy library; each module does when it is needed.
"""

import os

# PyTorch's threads spin while they wait for each other, by default so long that a second busy process starves them: a step took
# 9.8 ms on two idle cores and 12.2 beside another process with this, 9.9 and 12.8 with the default, 26 and 25 without any spinning.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # read by GNU's OpenMP when PyTorch is imported
