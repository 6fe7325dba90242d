"""The recipe of Ziyan's own line recognizer: a CRNN grown out of PP-OCRv6 tiny. README.md here tells the stages."""
