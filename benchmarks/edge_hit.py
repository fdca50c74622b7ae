"""An edge location's hits against nginx proxy_cache and Varnish: requests per CPU second of the server, 1 KB and 100 KB
from 32 keep-alive connections.

Bars: 1.3 times nginx and 2.5 times Varnish at 1 KB; no less than nginx at 100 KB. Part of the lead over nginx is
memory against a file in the page cache, and wrk sends the same head again and again, which the edge remembers.
"""

from __future__ import annotations

import edge_peers

BARS = {"1 KB": 1.3, "100 KB": 1.0}
VARNISH_BAR = 2.5


def main() -> None:
    with edge_peers.running() as (folder, keep):
        port = keep(edge_peers.origin(folder)).address[1]
        peers = [keep(edge_peers.edge(folder, port, cached=True))]
        peers += [keep(edge_peers.nginx(folder, port, cached=True, nopush=nopush)) for nopush in ("on", "off")]
        if edge_peers.tool("varnishd") is None:
            print("Varnish is left out: no varnishd here (apt-get install varnish)")
        else:
            peers.append(keep(edge_peers.varnish(folder, port)))
        for size, figures in edge_peers.compare(peers).items():
            nginx = max(figure for name, figure in figures.items() if name.startswith("nginx"))
            print(f"hits of {size}, requests per CPU second:")
            for name, figure in figures.items():
                print(f"  {name:36} {figure:10,.0f}")
            print(f"  edge to nginx (its better setting)   {figures['edge'] / nginx:10.2f}   (bar {BARS[size]})")
            if "Varnish" in figures:
                ratio = figures["edge"] / figures["Varnish"]
                bar = f"(bar {VARNISH_BAR})" if size == "1 KB" else ""
                print(f"  edge to Varnish                      {ratio:10.2f}   {bar}")


if __name__ == "__main__":
    main()
