//! Finding a cycle, in time linear in the graph and without recursion (a chain may be as long as the file allows).

/// A cycle as it runs, its first task repeated at the end (`[a, b, a]`), starting at its task of the lowest position;
/// `None` when there is none. `parents[i]` are the tasks that `i` waits for.
pub(super) fn find(parents: &[Vec<usize>]) -> Option<Vec<usize>> {
    let stuck = never_ready(parents);
    // Every task that is never ready waits for another such task: going from one to the next must come round.
    let mut seen_at = vec![None; parents.len()];
    let mut walk = Vec::new();
    let mut task = stuck.iter().position(|&s| s)?;
    loop {
        match seen_at.get(task).copied().flatten() {
            Some(start) => {
                let mut cycle: Vec<usize> = walk.get(start..)?.to_vec();
                // The walk went against the arrows.
                cycle.reverse();
                let lowest = cycle.iter().enumerate().min_by_key(|(_, task)| **task).map_or(0, |(i, _)| i);
                cycle.rotate_left(lowest);
                let first = *cycle.first()?;
                cycle.push(first);
                return Some(cycle);
            }
            None => {
                *seen_at.get_mut(task)? = Some(walk.len());
                walk.push(task);
                task = *parents.get(task)?.iter().find(|&&p| stuck.get(p).copied().unwrap_or(false))?;
            }
        }
    }
}

/// For each task, whether it is in a cycle or behind one: what remains when ready tasks are taken away repeatedly.
fn never_ready(parents: &[Vec<usize>]) -> Vec<bool> {
    let mut children = vec![Vec::new(); parents.len()];
    let mut waiting: Vec<usize> = parents.iter().map(Vec::len).collect();
    for (child, waits_for) in parents.iter().enumerate() {
        for &parent in waits_for {
            if let Some(list) = children.get_mut(parent) {
                list.push(child);
            }
        }
    }
    let mut stuck = vec![true; parents.len()];
    let mut ready: Vec<usize> = (0..parents.len()).filter(|&i| waiting.get(i) == Some(&0)).collect();
    while let Some(task) = ready.pop() {
        if let Some(flag) = stuck.get_mut(task) {
            *flag = false;
        }
        for &child in children.get(task).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(child) {
                *count -= 1;
                if *count == 0 {
                    ready.push(child);
                }
            }
        }
    }
    stuck
}
