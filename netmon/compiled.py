"""Whether the hot modules of this netmon are compiled.

They are the same source either way: a wheel that is built with ``NETMON_COMPILE=1`` has them compiled
to C by mypyc, this one among them; a checkout never has (`.ci/compile.py` says why).
"""

from typing import Final

COMPILED: Final = not __file__.endswith(".py")
