"""The file desk: staff upload files of movements, a second person approves, workers post them."""
