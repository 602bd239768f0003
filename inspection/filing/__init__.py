"""Filing with the authority when faces of many people are stored (人脸识别技术应用安全管理办法 15)."""
