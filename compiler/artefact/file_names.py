"""Names of the files in the folder that `firelane compile` writes, and of folders under the build folder."""

PROGRAM = "program.bin"         #: the contents of all memories, see `container`
MANIFEST = "manifest.json"      #: see `manifest`; a folder that has one is a compiled network
SCHEDULE = "schedule.txt"       #: see `listing`
ROM = "rom"                     #: a folder, see `rom_images`
SIMULATED = "simulated"         #: a folder of compiled networks: what is compiled for a simulated board alone
