package dev.quire.kernel;

import java.util.List;

/// What the weights of a model must be before a step may multiply by them.
final class WeightContract {
    private static final String OF_THE_MODEL = "model";

    private final ModelShape shape;
    private final List<FloatMatrix> weights;

    private WeightContract(ModelShape shape, List<FloatMatrix> weights) {
        this.shape = shape;
        this.weights = weights;
    }

    static void check(ModelShape shape, List<FloatMatrix> weights, LayerWeights[] layers, ModelWeights model) {
        if (layers.length != shape.layers()) {
            throw new IllegalArgumentException(
                    "layers must be the model's: layers=" + layers.length + ", expected=" + shape.layers());
        }
        WeightContract contract = new WeightContract(shape, weights);
        contract.checkModel(model);
        for (int layer = 0; layer < layers.length; layer++) {
            contract.checkAttention("layer " + layer, layers[layer]);
            contract.checkFeedForward("layer " + layer, layers[layer]);
        }
    }

    private void checkModel(ModelWeights model) {
        matrix(OF_THE_MODEL, "embedding", model.embedding(), shape.vocabulary(), shape.embedding());
        matrix(OF_THE_MODEL, "outputHead", model.outputHead(), shape.vocabulary(), shape.embedding());
        norm(OF_THE_MODEL, "outputNorm", model.outputNorm(), model.outputNormBias());
        int positions = model.positionEmbedding();
        if (positions != LayerWeights.NONE) {
            int rows =
                    Math.max(find(OF_THE_MODEL, "positionEmbedding", positions).rows(), shape.contextLength());
            matrix(OF_THE_MODEL, "positionEmbedding", positions, rows, shape.embedding());
        }
    }

    private void checkAttention(String place, LayerWeights w) {
        int embedding = shape.embedding();
        norm(place, "attentionNorm", w.attentionNorm(), w.attentionNormBias());
        matrix(place, "query", w.query(), shape.queryWidth(), embedding);
        vector(place, "queryBias", w.queryBias(), shape.queryWidth());
        matrix(place, "key", w.key(), shape.kvWidth(), embedding);
        vector(place, "keyBias", w.keyBias(), shape.kvWidth());
        matrix(place, "value", w.value(), shape.kvWidth(), embedding);
        vector(place, "valueBias", w.valueBias(), shape.kvWidth());
        vector(place, "queryNorm", w.queryNorm(), shape.headDim());
        vector(place, "keyNorm", w.keyNorm(), shape.headDim());
        matrix(place, "output", w.output(), embedding, shape.queryWidth());
        vector(place, "outputBias", w.outputBias(), embedding);
        vector(place, "postAttentionNorm", w.postAttentionNorm(), embedding);
    }

    private void checkFeedForward(String place, LayerWeights w) {
        int embedding = shape.embedding();
        norm(place, "feedForwardNorm", w.feedForwardNorm(), w.feedForwardNormBias());
        if (shape.activation().gated()) {
            matrix(place, "gate", w.gate(), shape.feedForward(), embedding);
            vector(place, "gateBias", w.gateBias(), shape.feedForward());
        } else if (w.gate() != LayerWeights.NONE || w.gateBias() != LayerWeights.NONE) {
            throw new IllegalArgumentException("gate must be absent where the activation has none: place=" + place
                    + ", id=" + w.gate() + ", bias=" + w.gateBias() + ", activation=" + shape.activation());
        }
        matrix(place, "up", w.up(), shape.feedForward(), embedding);
        vector(place, "upBias", w.upBias(), shape.feedForward());
        matrix(place, "down", w.down(), embedding, shape.feedForward());
        vector(place, "downBias", w.downBias(), embedding);
        vector(place, "postFeedForwardNorm", w.postFeedForwardNorm(), embedding);
    }

    private void norm(String place, String name, int id, int bias) {
        matrix(place, name, id, 1, shape.embedding());
        vector(place, name + "Bias", bias, shape.embedding());
        if (bias != LayerWeights.NONE && shape.norm() != Norm.LAYER) {
            throw new IllegalArgumentException("a norm's bias needs a layer norm: place=" + place + ", weight=" + name
                    + "Bias, id=" + bias + ", norm=" + shape.norm());
        }
    }

    private void vector(String place, String name, int id, int count) {
        if (id != LayerWeights.NONE) {
            matrix(place, name, id, 1, count);
        }
    }

    private void matrix(String place, String name, int id, int rows, int columns) {
        FloatMatrix weight = find(place, name, id);
        if (weight.rows() != rows || weight.columns() != columns) {
            throw new IllegalArgumentException("weight must have the model's shape: place=" + place + ", weight=" + name
                    + ", rows=" + weight.rows() + ", expected=" + rows + ", columns=" + weight.columns()
                    + ", expected=" + columns);
        }
    }

    private FloatMatrix find(String place, String name, int id) {
        if (id < 0 || id >= weights.size()) {
            throw new IllegalArgumentException(
                    "weight must be registered: place=" + place + ", weight=" + name + ", id=" + id);
        }
        return weights.get(id);
    }
}
