"""Ziyan 字眼: reads Chinese, English and mixed text on a Raspberry Pi, with no cloud and no GPU."""

__version__ = "0.1.0"
