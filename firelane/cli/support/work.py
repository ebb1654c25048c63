"""What the commands call and `firelane` does not have, by name; each is imported when a command runs.

See `firelane.lazy` for the reason.
"""

from typing import TYPE_CHECKING

from firelane.lazy import lazy_names

if TYPE_CHECKING:
    from firelane.api.bitstream import Bitstream
    from firelane.api.network import overridden
    from firelane.boards import all_boards, get_board
    from firelane.boards.board_template import write_board_file
    from firelane.boards.chosen_engine import chosen_engine
    from firelane.boards.doctor.checks import check
    from firelane.boards.doctor.machine import Machine
    from firelane.boards.doctor.report import items_to_json, items_to_table, require
    from firelane.boards.flow.bitstream import program
    from firelane.boards.flow.model_build import bitstream_file, build_model
    from firelane.boards.flow.patch import patch
    from firelane.boards.flow.vivado_project import project_json, table, write_model_project
    from firelane.boards.host.camera_ports import camera_port
    from firelane.boards.host.device_list import devices_to_json, devices_to_table, model_names
    from firelane.boards.host.discovery import chosen_port, find_devices
    from firelane.boards.host.run import check_given, classify, load_model
    from firelane.boards.host.validate import validate
    from firelane.boards.host.watch import watch
    from firelane.boards.report.board_fit import fits
    from firelane.boards.report.board_list import to_json, to_tables
    from firelane.boards.report.build_plot import plot_build
    from firelane.boards.report.published_fits import published_fits
    from firelane.boards.simulated.camera_sim import show_pictures
    from firelane.boards.simulated.model_board import build_model_board, is_compiled
    from firelane.compiler.compress.run import Job, sweep
    from firelane.compiler.support.files import write_file
    from firelane.demo.run import demo
    from firelane.models.catalogue import model_file, short_name
    from firelane.models.deep_compression import convert
    from firelane.report.needs import check_report
    from firelane.sim.benchmark.run import run_benchmark
    from firelane.sim.evaluate.labels import labels_of_folder
    from firelane.sim.evaluate.report import print_evaluation
    from firelane.sim.judge.report import print_report

__all__ = ["Bitstream", "Job", "Machine", "all_boards", "bitstream_file", "build_model", "build_model_board",
           "camera_port", "check", "check_given", "check_report", "chosen_engine", "chosen_port", "classify",
           "convert", "demo", "devices_to_json", "devices_to_table", "find_devices", "fits", "get_board",
           "is_compiled", "items_to_json", "items_to_table", "labels_of_folder", "load_model", "model_file",
           "model_names", "overridden", "patch", "plot_build", "print_evaluation", "print_report", "program",
           "project_json", "published_fits", "require", "run_benchmark", "short_name", "show_pictures", "sweep",
           "table", "to_json", "to_tables", "validate", "watch", "write_board_file", "write_file",
           "write_model_project"]

__getattr__, __dir__ = lazy_names(__name__, {
    "firelane.api.bitstream": ["Bitstream"],
    "firelane.api.network": ["overridden"],
    "firelane.boards": ["all_boards", "get_board"],
    "firelane.boards.board_template": ["write_board_file"],
    "firelane.boards.chosen_engine": ["chosen_engine"],
    "firelane.boards.doctor.checks": ["check"],
    "firelane.boards.doctor.machine": ["Machine"],
    "firelane.boards.doctor.report": ["items_to_json", "items_to_table", "require"],
    "firelane.boards.flow.bitstream": ["program"],
    "firelane.boards.flow.model_build": ["bitstream_file", "build_model"],
    "firelane.boards.flow.patch": ["patch"],
    "firelane.boards.flow.vivado_project": ["project_json", "table", "write_model_project"],
    "firelane.boards.host.camera_ports": ["camera_port"],
    "firelane.boards.host.device_list": ["devices_to_json", "devices_to_table", "model_names"],
    "firelane.boards.host.discovery": ["chosen_port", "find_devices"],
    "firelane.boards.host.run": ["check_given", "classify", "load_model"],
    "firelane.boards.host.validate": ["validate"],
    "firelane.boards.host.watch": ["watch"],
    "firelane.boards.report.board_fit": ["fits"],
    "firelane.boards.report.board_list": ["to_json", "to_tables"],
    "firelane.boards.report.build_plot": ["plot_build"],
    "firelane.boards.report.published_fits": ["published_fits"],
    "firelane.boards.simulated.camera_sim": ["show_pictures"],
    "firelane.boards.simulated.model_board": ["build_model_board", "is_compiled"],
    "firelane.compiler.compress.run": ["Job", "sweep"],
    "firelane.compiler.support.files": ["write_file"],
    "firelane.demo.run": ["demo"],
    "firelane.models.catalogue": ["model_file", "short_name"],
    "firelane.models.deep_compression": ["convert"],
    "firelane.report.needs": ["check_report"],
    "firelane.sim.benchmark.run": ["run_benchmark"],
    "firelane.sim.evaluate.labels": ["labels_of_folder"],
    "firelane.sim.evaluate.report": ["print_evaluation"],
    "firelane.sim.judge.report": ["print_report"],
})
