"""Attention flow through all layers (Abnar and Zuidema 2020): the maximum flow from a token to an input token.

Node l * n + i is token i above layer l; the nodes of layer 0 are the inputs. The edge from token i above layer l to
token j above layer l - 1 has the capacity A~_l [i j].
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import maximum_flow

# scipy computes flows in integers: this is the capacity 1.
UNITS = 1_000_000


def graph(steps: Sequence[np.ndarray]) -> csr_array:
    """A~ [i j] of each layer, beginning with the first layer -> capacities [node node], in multiples of 1 / UNITS."""
    size, nodes = len(steps[0]), len(steps[0]) * (len(steps) + 1)
    tails, heads, capacities = [], [], []
    for layer, step in enumerate(steps, 1):
        i, j = np.nonzero(step)
        tails.append(layer * size + i)
        heads.append((layer - 1) * size + j)
        capacities.append(np.rint(step[i, j] * UNITS))
    edges = np.concatenate(capacities).astype(np.int32), (np.concatenate(tails), np.concatenate(heads))
    return csr_array(coo_array(edges, shape=(nodes, nodes)))


def flow_from(capacities: csr_array, size: int, query: int, key: int) -> float:
    """The maximum flow from this token above the last layer to this input token, 0 to 1."""
    source = capacities.shape[0] - size + query
    return float(maximum_flow(capacities, source, key).flow_value) / UNITS
