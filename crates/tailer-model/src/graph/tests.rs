//! The grammar by example, and by properties against a naive reading of it.

use proptest::prelude::*;

use super::*;

fn ids(names: &str) -> Vec<TaskId> {
    names.split_whitespace().map(|n| n.parse().unwrap()).collect()
}

fn parse(names: &str, lines: &[&str]) -> (Option<TaskGraph>, Problems) {
    let mut problems = Problems::default();
    let lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
    let graph = TaskGraph::parse(ids(names), &lines, "$.task_dependencies", &mut problems);
    (graph, problems)
}

/// Edges as `a>b`, sorted.
fn edges(graph: &TaskGraph) -> Vec<String> {
    let mut all: Vec<String> = graph
        .parents
        .iter()
        .enumerate()
        .flat_map(|(child, parents)| parents.iter().map(move |p| format!("{}>{}", graph.ids[*p], graph.ids[child])))
        .collect();
    all.sort();
    all
}

#[test]
fn grammar() {
    let check = |names: &str, lines: &[&str], expected: &str| {
        let (graph, problems) = parse(names, lines);
        assert_eq!(problems.errors, [], "{lines:?}");
        assert_eq!(edges(&graph.unwrap()), expected.split_whitespace().collect::<Vec<_>>(), "{lines:?}");
    };
    check("a b c", &["a >> b >> c"], "a>b b>c");
    check("a b c", &["a>>b>>c"], "a>b b>c");
    check("a b c", &[" a, b, c "], "");
    check("a b c d e", &["[a, b] >> c >> [d, e]"], "a>c b>c c>d c>e");
    check("a b c d", &["[a,b]>>[c,d]"], "a>c a>d b>c b>d");
    check("a b c", &["a >> b", "b >> c", "a >> b"], "a>b b>c");
    check("a b c d", &["a >> b, c >> d"], "a>b c>d");
    check("a b", &["a"], "");
    check("a b", &["[a] >> [b]"], "a>b");
    check("a b", &["a\n>>\tb"], "a>b");
}

#[test]
fn what_is_wrong_is_said() {
    let check = |names: &str, line: &str, expected: &str| {
        let (graph, problems) = parse(names, &[line]);
        assert_eq!(graph, None, "{line}");
        let messages: Vec<&str> = problems.errors.iter().map(|p| p.message.as_str()).collect();
        assert!(messages.iter().any(|m| m.contains(expected)), "{line}: {messages:?}");
    };
    check("a b", "", "found the end of the line");
    check("a b", "a >>", "found the end of the line");
    check("a b", ">> a", "found \">>\"");
    check("a b", "a b", "found \"b\"");
    check("a b", "[a, b", "not closed");
    check("a b", "[a, [b]]", "found \"[\"");
    check("a b", "[] >> b", "found \"]\"");
    check("a b", "a ] b", "found \"]\"");
    check("a b", "a > b", "single \">\"");
    check("a b", "a << b", "\"<<\"");
    check("load_sales b", "load_sale >> b", "no task \"load_sale\"; did you mean \"load_sales\"?");
    check("a b", "a >> a", "a >> a");
    check("a b", "b >> a >> b", "a >> b >> a");
    check("a b c d", "d >> a >> b >> c >> a", "a >> b >> c >> a");
}

#[test]
fn every_line_is_checked_and_placed() {
    let (_, problems) = parse("a b", &["a >>", "a >> b", "x >> y >> x"]);
    let places: Vec<&str> = problems.errors.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(places, ["$.task_dependencies[0]", "$.task_dependencies[2]", "$.task_dependencies[2]"]);
}

#[test]
fn a_comma_beside_a_chain_is_explained() {
    let (graph, problems) = parse("a b c", &["a >> b, c"]);
    assert_eq!(edges(&graph.unwrap()), ["a>b"]);
    assert!(problems.warnings[0].message.contains("a >> [b, c]"));
}

#[test]
fn families() {
    let (graph, _) = parse("a b c d e", &["a >> [b, c] >> d"]);
    let graph = graph.unwrap();
    assert_eq!(graph.children(0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(graph.descendants(0), [1, 2, 3]);
    assert_eq!(graph.descendants(4), Vec::<usize>::new());
    assert_eq!(edges(&TaskGraph::chain(ids("a b c"))), ["a>b", "b>c"]);
    assert_eq!(edges(&TaskGraph::independent(ids("a b"))), Vec::<String>::new());
    assert_eq!(TaskGraph::chain(Vec::new()).parents.len(), 0);
}

#[test]
fn hostile_groups_are_bounded() {
    let names: Vec<String> = (0..1500).map(|i| format!("t{i}")).collect();
    let group = format!("[{}]", names.join(","));
    let (graph, problems) = parse(&names.join(" "), &[&format!("{group} >> {group}")]);
    assert_eq!(graph, None);
    assert!(problems.errors[0].message.contains("dependencies"));
}

/// Chains of groups over ten tasks, each group after the groups before it, so that no cycle can be.
fn forward_chain() -> impl Strategy<Value = Vec<Vec<usize>>> {
    proptest::collection::btree_set(0_usize..10, 1..8).prop_flat_map(|tasks| {
        let tasks: Vec<usize> = tasks.into_iter().collect();
        let n = tasks.len();
        proptest::collection::vec(any::<bool>(), n).prop_map(move |cuts| {
            let mut groups: Vec<Vec<usize>> = Vec::new();
            for (task, cut) in tasks.iter().zip(cuts) {
                match groups.last_mut() {
                    Some(group) if !cut => group.push(*task),
                    _ => groups.push(vec![*task]),
                }
            }
            groups
        })
    })
}

proptest! {
    /// Writing chains as lines and reading them back gives exactly the joins of neighbouring groups.
    #[test]
    fn reads_back_what_is_written(chains in proptest::collection::vec(forward_chain(), 0..5), spaces in any::<bool>()) {
        let names: Vec<String> = (0..10).map(|i| format!("t{i}")).collect();
        let mut expected = BTreeSet::new();
        let lines: Vec<String> = chains.iter().map(|chain| {
            for pair in chain.windows(2) {
                expected.extend(pair[0].iter().flat_map(|a| pair[1].iter().map(move |b| format!("t{a}>t{b}"))));
            }
            let groups: Vec<String> = chain.iter().map(|group| {
                let inner: Vec<String> = group.iter().map(|i| format!("t{i}")).collect();
                if group.len() == 1 { inner.concat() } else { format!("[{}]", inner.join(",")) }
            }).collect();
            groups.join(if spaces { " >> " } else { ">>" })
        }).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (graph, problems) = parse(&names.join(" "), &lines);
        prop_assert_eq!(problems.errors, []);
        prop_assert_eq!(edges(&graph.unwrap()).into_iter().collect::<BTreeSet<_>>(), expected);
    }

    /// Whatever the line, there is either a graph or an error, never a panic and never both.
    #[test]
    fn any_line_gets_an_answer(line in "[abc>, \\[\\]<é]{0,30}") {
        let (graph, problems) = parse("a b c", &[&line]);
        prop_assert_eq!(graph.is_some(), problems.errors.is_empty());
    }

    /// A graph that is accepted has an order in which every task comes after those it waits for; one that is refused
    /// shows a real cycle.
    #[test]
    fn cycles_are_real(pairs in proptest::collection::vec((0_usize..6, 0_usize..6), 0..12)) {
        let lines: Vec<String> = pairs.iter().map(|(a, b)| format!("t{a} >> t{b}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (graph, problems) = parse("t0 t1 t2 t3 t4 t5", &lines);
        match graph {
            Some(graph) => {
                for i in 0..6 {
                    prop_assert!(!graph.descendants(i).contains(&i));
                }
            }
            None => {
                let (_, cycle) = problems.errors[0].message.split_once(": ").unwrap();
                let names: Vec<&str> = cycle.split(" >> ").collect();
                prop_assert_eq!(names.first(), names.last());
                for pair in names.windows(2) {
                    let edge = format!("{} >> {}", pair[0], pair[1]);
                    prop_assert!(lines.contains(&edge.as_str()), "{} is not there", edge);
                }
            }
        }
    }
}
