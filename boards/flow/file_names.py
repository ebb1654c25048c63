"""Names of the files that place and route leaves."""

CONFIG, LOG, REPORT = "top.config", "nextpnr.log", "report.json"
