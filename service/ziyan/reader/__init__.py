"""The reader: the program that holds the models and reads one page at a time."""
