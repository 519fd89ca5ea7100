package dev.warmgate.host.ort;

import dev.warmgate.kernels.Precision;
import dev.warmgate.onnx.ExpertTensor.Role;
import dev.warmgate.onnx.RefusedNodeException;

/**
 * A {@code com.microsoft::MoE} or {@code QMoE} node that can be served, as ONNX Runtime's graph has
 * it.
 *
 * @param name of the node
 * @param form what it says
 * @param graph the node itself
 */
record MoeNode(String name, LayerForm form, GraphNode graph) {

  /** A node that ONNX Runtime is to keep, and why. */
  static final class UnsupportedNodeException extends Exception {
    private static final long serialVersionUID = 1L;

    UnsupportedNodeException(String reason, Throwable cause) {
      super(reason, cause);
    }
  }

  /**
   * Reads a node.
   *
   * @throws UnsupportedNodeException if it can't be served
   * @throws IllegalArgumentException if nobody can serve it; the message names the node
   */
  static MoeNode read(OrtApi api, long node, Precision precision) throws UnsupportedNodeException {
    String name = api.nodeName(node);
    var graph = new GraphNode(api, node);
    try {
      return new MoeNode(name, LayerForm.read(graph, precision), graph);
    } catch (RefusedNodeException e) {
      if (e.isMalformed()) {
        throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
      }
      throw new UnsupportedNodeException(e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new UnsupportedNodeException(e.getMessage(), e);
    } catch (OrtCallException e) {
      // ONNX Runtime doesn't say which node it couldn't read.
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
  }

  /** The {@code OrtValueInfo} of a part of the experts; 0 if they don't have it. */
  long part(Role role) {
    return form.layout().input(role).map(graph::valueInfo).orElse(0L);
  }
}
