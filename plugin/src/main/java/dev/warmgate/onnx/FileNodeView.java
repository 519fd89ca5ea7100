package dev.warmgate.onnx;

/** What the views of a MoE node in a model's file have in common: all but its inputs. */
abstract class FileNodeView implements MoeNodeView {
  /** The node. */
  final OnnxNode node;

  FileNodeView(OnnxNode node) {
    this.node = node;
  }

  @Override
  public boolean quantised() {
    return node.opType().equals("QMoE");
  }

  @Override
  public long intAttribute(String name, long absent) {
    return node.intAttribute(name, absent);
  }

  @Override
  public float realAttribute(String name, float absent) {
    return node.realAttribute(name, absent);
  }

  @Override
  public String textAttribute(String name, String absent) {
    return node.textAttribute(name, absent);
  }
}
