"""Reports to look at: what a command found, as one HTML file with plots, which needs nothing else.

`firelane.api` hands over what its results are made of; nothing here knows its classes. plotly and Jinja2, which the
extra `report` installs, are imported when a report is written (see `firelane.lazy`).
"""

from typing import TYPE_CHECKING

from firelane.lazy import lazy_names

if TYPE_CHECKING:
    from firelane.report.documents import (
        Subject,
        bitstream_document,
        build_document,
        compiled_document,
        compressed_document,
        estimated_document,
        evaluated_document,
        explored_document,
        simulated_document,
        trained_document,
    )
    from firelane.report.needs import check_report
    from firelane.report.write import write_document

__all__ = ["Subject", "bitstream_document", "build_document", "check_report", "compiled_document",
           "compressed_document", "estimated_document", "evaluated_document", "explored_document",
           "simulated_document", "trained_document", "write_document"]

__getattr__, __dir__ = lazy_names(__name__, {
    "firelane.report.documents": ["Subject", "bitstream_document", "build_document", "compiled_document",
                                  "compressed_document", "estimated_document", "evaluated_document",
                                  "explored_document", "simulated_document", "trained_document"],
    "firelane.report.needs": ["check_report"],
    "firelane.report.write": ["write_document"],
})
