"""Worker processes with one client each at a time: watched, limited in memory and time, and replaced when they end."""

from collections import deque
from collections.abc import Callable, Generator, Iterable

from skinprogress.batch.crew import USUAL_MEGAPIXELS, Attempt, Crew, OnDeath, memory_needed_mb
from skinprogress.batch.records import ClientSummary, ClientTask, Report
from skinprogress.batch.worker_process import Work


def plan_threads(n_clients: int, *, jobs: int, max_memory_mb: float | None) -> int:
    """How many photos of one client to work on at once: more than one only where clients are fewer than jobs."""
    threads = max(1, jobs // max(1, n_clients))
    share_mb = (max_memory_mb or float("inf")) / max(1, min(jobs, n_clients))
    while threads > 1 and memory_needed_mb(USUAL_MEGAPIXELS, photos_at_once=threads) > share_mb:
        threads -= 1
    return threads


def run_tasks(
    tasks: Iterable[ClientTask],
    *,
    work: Work,
    jobs: int,
    max_memory_mb: float | None = None,
    photo_limit_s: float,
    report: Report,
    on_death: OnDeath,
    prepare: Callable[[], object] | None = None,
) -> Generator[ClientSummary, None, None]:
    """Do tasks in worker processes, in their order, and yield what became of each as it ends.

    A photo that ends its process, or takes too long, is blamed and its client is tried again. Closing the iterator
    ends all workers.

    Parameters
    ----------
    tasks : iterable of ClientTask
    work : callable
        Of a module that can be imported: done in the worker.
    jobs : int
        Workers at most.
    max_memory_mb : float or None
        All workers together, MB. One worker runs in any case.
    photo_limit_s : float
        Time for one photo, from its "photo begins" to its "photo ends", seconds.
    report : callable
        Hears what the workers report, and begin and end of each client.
    on_death : callable
        Told ``(task, file, sha256, error)`` of a photo that is to blame, before its client is tried again.
    prepare : callable, optional
        Called in each worker before its first task; what it returns is kept while the worker lives.

    Yields
    ------
    ClientSummary

    Raises
    ------
    OutputError
        A worker found that nothing more can be written.
    SkinprogressError
        No worker process can be started.
    """
    waiting = deque(Attempt(task=task) for task in tasks)
    threads = max((attempt.task.threads for attempt in waiting), default=1)
    crew = Crew(
        waiting=waiting, work=work, prepare=prepare, jobs=max(1, jobs), max_memory_mb=max_memory_mb,
        photo_limit_s=photo_limit_s, report=report, on_death=on_death,
        needed_mb=memory_needed_mb(USUAL_MEGAPIXELS, photos_at_once=threads),
    )  # fmt: skip
    try:
        crew.warn_of_memory()
        yield from crew.finish()
    finally:
        for worker in list(crew.workers):
            crew.dismiss(worker)
