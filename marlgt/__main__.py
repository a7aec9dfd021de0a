"""``python -m marlgt`` is the command ``marlgt``."""

from marlgt.cli import main

raise SystemExit(main())
