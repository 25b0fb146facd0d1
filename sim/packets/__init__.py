"""Packets: header columns, reasons for drops, captures in and out."""
