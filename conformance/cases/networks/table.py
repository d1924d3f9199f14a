"""The table of all networks and their sources, as docs/workloads.md shows it: ``python -m conformance.cases.networks.table``."""

from __future__ import annotations

from conformance.cases.networks import NETWORKS, Network


def sources_table() -> str:
    """A Markdown table with a row for each network: name, layers, multiply-adds of its convolutions, and source."""
    rows = ["| name | | distinct layers | multiply-adds | source |", "|---|---|---|---|---|"]
    return "\n".join([*rows, *(_row(network) for network in NETWORKS.values())])


def _row(network: Network) -> str:
    pools = sum(layer.problem.op.is_pool for layer in network.layers)
    counted = f"{len(network.layers)}, {pools} of them pooling" if pools else f"{len(network.layers)}"
    work = f"{network.multiply_adds / 1e9:.3g} billion" if network.whole else ""
    return f"| `{network.name}` | {network.title} | {counted} | {work} | {network.source} |"


if __name__ == "__main__":
    print(sources_table())  # noqa: T201
