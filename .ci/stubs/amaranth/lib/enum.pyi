from enum import Enum as Enum, IntEnum as IntEnum
