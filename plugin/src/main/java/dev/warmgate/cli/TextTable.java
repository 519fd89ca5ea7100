package dev.warmgate.cli;

import java.util.ArrayList;
import java.util.List;

/** Columns that line up: the first to the left, the others as they are told. */
final class TextTable {
  private final boolean numbers;
  private final List<List<String>> rows = new ArrayList<>();

  private TextTable(boolean numbers) {
    this.numbers = numbers;
  }

  /** All columns to the left. */
  static TextTable ofText() {
    return new TextTable(false);
  }

  /** All columns but the first to the right. */
  static TextTable ofNumbers() {
    return new TextTable(true);
  }

  TextTable row(String... cells) {
    rows.add(List.of(cells));
    return this;
  }

  /** The lines, each ended. */
  @Override
  public String toString() {
    List<Integer> widths = new ArrayList<>();
    for (List<String> row : rows) {
      for (int c = 0; c < row.size(); c++) {
        int width = width(row.get(c));
        if (c == widths.size()) {
          widths.add(width);
        } else {
          widths.set(c, Math.max(widths.get(c), width));
        }
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < row.size(); c++) {
        String gap = " ".repeat(widths.get(c) - width(row.get(c)));
        boolean right = numbers && c > 0;
        line.append(c == 0 ? "" : "  ")
            .append(right ? gap : "")
            .append(row.get(c))
            .append(right ? "" : gap);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private static int width(String cell) {
    return cell.codePointCount(0, cell.length());
  }
}
