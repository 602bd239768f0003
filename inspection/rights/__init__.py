"""Rights of the person (个人信息保护法 chapter IV): access, copy, correction, erasure, objection to the machine."""
