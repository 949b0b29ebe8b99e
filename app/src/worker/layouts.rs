//! Layouts that were made before, by what they are of: going back to a graph, by undo or by switching between source and candidate,
//! lays nothing out again.

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::Vec2;
use tinsmith_core::graph::Graph;
use tinsmith_core::progress::{Cancel, Cancelled};

use crate::gui::graph_view::layout::{Layout, Net, arrange, columns_that_fit};
use crate::gui::graph_view::rank::{Ranked, rank};

/// So many nets and so many pictures of them are kept.
const MAX_KEPT: usize = 8;

/// Hash of a net and the number of its columns.
type Key = (u64, usize);

/// What was laid out lately, newest last.
#[derive(Default)]
pub(super) struct Layouts {
    ranked: Vec<(u64, Arc<Ranked>)>,
    layouts: Vec<(Key, Arc<Layout>)>,
}

impl Layouts {
    /// A layout for a canvas: an old one, if the net is the same and the canvas asks for as many columns.
    pub(super) fn layout(
        &mut self,
        graph: &Graph,
        collapsed: &BTreeSet<String>,
        canvas: Vec2,
        cancel: &Cancel,
    ) -> Result<Arc<Layout>, Cancelled> {
        let net = Net::new(graph, collapsed);
        let hash = net.hash();
        let ranked = kept(&mut self.ranked, hash, || rank(&net, cancel))?;
        let columns = columns_that_fit(&ranked, canvas);
        kept(&mut self.layouts, (hash, columns), || arrange(&net, &ranked, columns, cancel))
    }
}

/// The value for a key, made if it is not there.
fn kept<K: PartialEq, V>(
    all: &mut Vec<(K, Arc<V>)>,
    key: K,
    make: impl FnOnce() -> Result<V, Cancelled>,
) -> Result<Arc<V>, Cancelled> {
    let entry = match all.iter().position(|(known, _)| *known == key) {
        Some(at) => all.remove(at),
        None => (key, Arc::new(make()?)),
    };
    let value = Arc::clone(&entry.1);
    all.push(entry);
    if all.len() > MAX_KEPT {
        all.remove(0);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::graph_view::test_nets::{Kind, chain_of};
    use eframe::egui::vec2;

    #[test]
    fn a_layout_is_made_once_for_equal_nets_and_columns() {
        let mut layouts = Layouts::default();
        let mut of = |graph: &Graph, canvas: Vec2| layouts.layout(graph, &BTreeSet::new(), canvas, &Cancel::new()).unwrap();
        let graph = chain_of(&[Kind::Mean; 13]);
        let first = of(&graph, vec2(755.0, 455.0));
        let mut renamed = graph.clone();
        renamed.nodes[3].name = "another".to_owned();
        assert!(Arc::ptr_eq(&first, &of(&renamed, vec2(756.0, 455.0))));
        assert!(!Arc::ptr_eq(&first, &of(&graph, vec2(300.0, 2000.0))), "one column");
        assert!(!Arc::ptr_eq(&first, &of(&chain_of(&[Kind::Mean; 12]), vec2(755.0, 455.0))));
        for n in 20..40 {
            of(&chain_of(&vec![Kind::Mean; n]), vec2(755.0, 455.0));
        }
        assert!(!Arc::ptr_eq(&first, &of(&graph, vec2(755.0, 455.0))), "what was not used for long is dropped");
    }

    #[test]
    fn a_cancelled_layout_leaves_nothing_behind() {
        let cancel = Cancel::new();
        cancel.cancel();
        let mut layouts = Layouts::default();
        let graph = chain_of(&[Kind::Mean; 13]);
        assert!(layouts.layout(&graph, &BTreeSet::new(), vec2(755.0, 455.0), &cancel).is_err());
        assert!(layouts.ranked.is_empty() && layouts.layouts.is_empty());
    }
}
