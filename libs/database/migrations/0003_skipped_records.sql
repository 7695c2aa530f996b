-- Records of the write log that an operator has taken out: every replica passes them over.
CREATE TABLE skipped_records (
  partition bigint NOT NULL,
  log_offset bigint NOT NULL,
  PRIMARY KEY (partition, log_offset)
);
