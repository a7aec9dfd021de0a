"""Search in games too large to build, or only worth looking at from one position: exact by depth, or by sampling."""
