// LayerGraphs
