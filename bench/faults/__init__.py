"""Faults made on purpose: killed processes, cut connections, full disks, stopped stores."""
