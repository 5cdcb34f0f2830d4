#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A small training job, to be measured:   ecocode run examples/train.py

A convolutional network learns to tell ten hand-drawn-like shapes apart: pictures of 16 x 16 pixels, drawn,
shifted, turned and made noisy by worker processes while the main process trains, as a data loader does it.
Needs numpy and nothing else; 10-20 s on two cores.
"""
import argparse
import multiprocessing
import os
import signal
import sys
import time

# One thread of the linear algebra per process: the workers are the parallelism here.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

try:
    import numpy as np
except ImportError:
    sys.exit("train.py needs numpy: apt install python3-numpy")

SIZE = 16      # pixels a side
KERNEL = 5     # of the convolution
POOL = 2
SHAPES = ("cross", "x", "ring", "disc", "square", "frame", "bars", "stripes", "wedge", "dots")


def draw(shape, x, y):
    """Brightness of a shape at coordinates in [-1, 1]."""
    radius = np.hypot(x, y)
    edge = np.maximum(np.abs(x), np.abs(y))
    images = {
        "cross": np.minimum(np.abs(x), np.abs(y)) < 0.18,
        "x": np.abs(np.abs(x) - np.abs(y)) < 0.22,
        "ring": np.abs(radius - 0.6) < 0.17,
        "disc": radius < 0.55,
        "square": edge < 0.5,
        "frame": np.abs(edge - 0.6) < 0.15,
        "bars": np.cos(7 * x) > 0.3,
        "stripes": np.cos(7 * (x + y) / np.sqrt(2)) > 0.3,
        "wedge": (y > np.abs(x) * 1.4 - 0.6) & (y < 0.7),
        "dots": (np.cos(6 * x) > 0.2) & (np.cos(6 * y) > 0.2),
    }
    return images[shape].astype(np.float32)


def load_batch(task):
    """What a data loader's worker does: fetch pictures and augment them. Runs in a worker process."""
    seed, count = task
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(SHAPES), count)
    grid = np.linspace(-1.2, 1.2, 2 * SIZE, dtype=np.float32)
    images = np.empty((count, SIZE, SIZE), np.float32)
    for i, label in enumerate(labels):
        angle, scale = random.normal(0, 0.18), random.uniform(0.8, 1.25)
        shift_x, shift_y = random.normal(0, 0.12, 2)
        x, y = np.meshgrid(grid, grid)
        turned_x = (np.cos(angle) * x + np.sin(angle) * y) * scale + shift_x
        turned_y = (np.cos(angle) * y - np.sin(angle) * x) * scale + shift_y
        fine = draw(SHAPES[label], turned_x, turned_y)
        images[i] = fine.reshape(SIZE, 2, SIZE, 2).mean(axis=(1, 3))
    images += random.normal(0, 0.35, images.shape).astype(np.float32)
    return images, labels


def leave_interrupts_to_the_parent():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Network:
    """Convolution, ReLU, pooling by mean, two dense layers; trained with momentum."""

    def __init__(self, filters, hidden, random):
        side = (SIZE - KERNEL + 1) // POOL
        sizes = {"conv": (KERNEL * KERNEL, filters), "hidden": (side * side * filters, hidden),
                 "out": (hidden, len(SHAPES))}
        self.weights = {}
        for name, (rows, columns) in sizes.items():
            self.weights[name] = random.normal(0, np.sqrt(2 / rows), (rows, columns)).astype(np.float32)
            self.weights[name + "_bias"] = np.zeros(columns, np.float32)
        self.speed = {name: np.zeros_like(value) for name, value in self.weights.items()}
        self.filters, self.side = filters, side

    def forward(self, images):
        w = self.weights
        patches = np.lib.stride_tricks.sliding_window_view(images, (KERNEL, KERNEL), axis=(1, 2))
        patches = patches.reshape(-1, KERNEL * KERNEL)
        features = np.maximum(patches @ w["conv"] + w["conv_bias"], 0)
        pooled = features.reshape(len(images), self.side, POOL, self.side, POOL, self.filters).mean(axis=(2, 4))
        flat = pooled.reshape(len(images), -1)
        hidden = np.maximum(flat @ w["hidden"] + w["hidden_bias"], 0)
        scores = hidden @ w["out"] + w["out_bias"]
        return scores, (patches, features, flat, hidden)

    def backward(self, labels, scores, kept):
        """Gradients of the mean cross entropy, and the loss itself."""
        patches, features, flat, hidden = kept
        w, count = self.weights, len(labels)
        shifted = scores - scores.max(axis=1, keepdims=True)
        chances = np.exp(shifted)
        chances /= chances.sum(axis=1, keepdims=True)
        loss = -np.log(chances[np.arange(count), labels] + 1e-12).mean()
        error = chances
        error[np.arange(count), labels] -= 1
        error /= count
        gradients = {"out": hidden.T @ error, "out_bias": error.sum(axis=0)}
        error = (error @ w["out"].T) * (hidden > 0)
        gradients |= {"hidden": flat.T @ error, "hidden_bias": error.sum(axis=0)}
        error = (error @ w["hidden"].T).reshape(count, self.side, 1, self.side, 1, self.filters) / POOL**2
        error = np.broadcast_to(error, (count, self.side, POOL, self.side, POOL, self.filters))
        error = error.reshape(features.shape) * (features > 0)
        gradients |= {"conv": patches.T @ error, "conv_bias": error.sum(axis=0)}
        return gradients, loss

    def learn(self, images, labels, rate):
        scores, kept = self.forward(images)
        gradients, loss = self.backward(labels, scores, kept)
        for name, gradient in gradients.items():
            self.speed[name] = 0.9 * self.speed[name] - rate * gradient
            self.weights[name] += self.speed[name]
        return loss

    def accuracy(self, images, labels):
        return (self.forward(images)[0].argmax(axis=1) == labels).mean()


def train(options):
    random = np.random.default_rng(options.seed)
    network = Network(filters=24, hidden=96, random=random)
    held_back = load_batch((options.seed + 10**9, 1000))
    context = multiprocessing.get_context("fork")
    with context.Pool(options.workers, leave_interrupts_to_the_parent) as pool:
        for epoch in range(options.epochs):
            started = time.monotonic()
            first = options.seed + epoch * options.batches
            tasks = [(first + i, options.batch_size) for i in range(options.batches)]
            losses = [network.learn(images, labels, options.rate)
                      for images, labels in pool.imap(load_batch, tasks, chunksize=4)]
            accuracy = network.accuracy(*held_back)
            print(f"epoch {epoch + 1:2d}/{options.epochs}  loss {np.mean(losses):.3f}  "
                  f"accuracy {100 * accuracy:5.1f} %  {time.monotonic() - started:.1f} s", flush=True)
    return accuracy


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6, help="passes over the data (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes that load and augment (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of weights and pictures (%(default)s)")
    parser.add_argument("--batches", type=int, default=150, help="batches of an epoch (%(default)s)")
    parser.add_argument("--batch-size", type=int, default=64, help="pictures of a batch (%(default)s)")
    parser.add_argument("--rate", type=float, default=0.02, help="learning rate (%(default)s)")
    options = parser.parse_args()
    for name in ("epochs", "workers", "batches", "batch_size"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return options


def main():
    options = parse_options()
    print(f"training on {options.epochs} x {options.batches * options.batch_size} pictures with "
          f"{options.workers} loading processes", flush=True)
    try:
        accuracy = train(options)
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"done: {100 * accuracy:.1f} % of pictures never seen before are told right")


if __name__ == "__main__":
    main()
