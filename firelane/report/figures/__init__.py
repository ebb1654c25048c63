"""The plots of reports: figures of results in, a plotly figure out; the only rooms that know plotly's figures."""
