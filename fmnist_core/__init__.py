"""Fashion-MNIST and one small convolutional network: data, training, evaluation and explanation.

Nothing in here knows of a web page. Importing the package alone loads no heavy library; each module does when it is needed.
"""
