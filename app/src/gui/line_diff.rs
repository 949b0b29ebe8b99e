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

/// Larger texts are not looked at for what they have in common between their ends: it takes time and room by the product of their
/// lengths, and thousands of layers with settings of their own are such texts.
const MAX_PAIRS: usize = 250_000;

/// Lines of both texts in order; what was removed comes before what took its place.
pub fn line_diff<'a>(before: &'a str, after: &'a str) -> Vec<(Line, &'a str)> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let end = a[start..].iter().rev().zip(b[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (in_a, in_b) = (&a[start..a.len() - end], &b[start..b.len() - end]);
    let between = if in_a.len() * in_b.len() > MAX_PAIRS {
        let removed = in_a.iter().map(|line| (Line::Removed, *line));
        removed.chain(in_b.iter().map(|line| (Line::Added, *line))).collect()
    } else {
        longest_common(in_a, in_b)
    };
    let same = |line: &&'a str| (Line::Same, *line);
    a[..start].iter().map(same).chain(between).chain(a[a.len() - end..].iter().map(same)).collect()
}

fn longest_common<'a>(a: &[&'a str], b: &[&'a str]) -> Vec<(Line, &'a str)> {
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
    fn large_texts_are_told_apart_without_pairing_all_their_lines() {
        let lines = |word: &str| (0..30_000).map(|i| format!("{word} {i}")).collect::<Vec<_>>().join("\n");
        let (before, after) = (format!("first\n{}\nlast", lines("a")), format!("first\n{}\nlast", lines("b")));
        let diff = line_diff(&before, &after);
        assert_eq!((diff.len(), diff[0], diff[60_001]), (60_002, (Same, "first"), (Same, "last")));
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
