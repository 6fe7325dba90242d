"""Measures the service: accuracy, CPU, memory; alone, beside other engines, and with hostile pictures."""
