@_exported import struct ZooTensors.ZooError
