"""End-to-end tests: real drivers, real Spark Thrift Servers, with and without hivegate between."""
