"""What runs a network: ONNX Runtime on the CPU, OpenVINO, CUDA and TensorRT behind one interface.

Only this package may import onnxruntime and openvino; nothing here knows pictures or boxes.
"""
