//! What differs between two texts, line by line: the longest common subsequence stays.

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// In both texts.
    Same,
    /// Only in the first.
    Removed,
    /// Only in the second.
    Added,
}

/// Lines of both texts in order; what was removed comes before what took its place.
pub fn line_diff<'a>(before: &'a str, after: &'a str) -> Vec<(Line, &'a str)> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // common[i][j]: how many lines a[i..] and b[j..] have in common.
    let width = b.len() + 1;
    let mut common = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            lines.push((Line::Same, a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            lines.push((Line::Removed, a[i]));
            i += 1;
        } else {
            lines.push((Line::Added, b[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::Line::*;
    use super::*;

    #[test]
    fn a_changed_line_is_removed_and_added() {
        let diff = line_diff("a\nb\nc", "a\nB\nc\nd");
        assert_eq!(diff, [(Same, "a"), (Removed, "b"), (Added, "B"), (Same, "c"), (Added, "d")]);
    }

    #[test]
    fn both_texts_can_be_read_off_the_difference() {
        for (before, after) in [("", "a\nb"), ("a\nb", ""), ("x\ny\nx", "y\nx\ny"), ("a", "a")] {
            let diff = line_diff(before, after);
            let without = |gone: Line| diff.iter().filter(|(l, _)| *l != gone).map(|(_, t)| *t).collect::<Vec<_>>().join("\n");
            assert_eq!((without(Added), without(Removed)), (before.to_owned(), after.to_owned()));
        }
    }
}
