"""The queues of imports: one of each workspace, worked off by a thread of its own.

A job is a document of its workspace, so it outlives the server: one that was queued or running when the server
stopped is run again from its spool file, unless its rows may have been written already.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from dsl.problems import ProblemError
from dsl.schema import Schema
from engine.directory import Tamis
from engine.errors import Closed
from engine.results import Ack
from engine.values import iso_datetime
from engine.workspace import Workspace
from formats.batch import Batch, Kind
from formats.inferred import Inferred
from formats.inferring import infer
from formats.reading import Cancelled, Progress, read
from formats.rejects import RejectsFile
from formats.rows import Reject
from server.errors import ApiError, Failure, ProblemView, shown
from server.importing import GOING_ON, PROBLEMS_KEPT, Job, JobState, Kept, Request, RowProblem, decode_kept, encode_kept
from server.meters import Meters
from storage import StorageFailed, StorageFull

COLLECTION = "jobs"
SAVED_EVERY = 1.0
"""Seconds between two savings of a running job."""

SHARE_OF_READING = 0.9
"""Of a job's progress; the rest is making the rows durable and visible."""

EXPECTED = (Closed, StorageFull, StorageFailed, OSError)
"""What may end an import besides its own problems, with a message of its own."""

log = logging.getLogger("tamis.imports")


@dataclass(slots=True)
class Task:
    """A job that this server runs or will run."""

    kept: Kept
    spool: Path
    cancelled: threading.Event = field(default_factory=threading.Event)


class Line:
    """The jobs of one workspace: a queue, and the thread that works it off once there is something in it."""

    def __init__(self, workspace: Workspace, folder: Path, limit: int, meters: Meters) -> None:
        self.workspace = workspace
        self._meters = meters
        self.folder = folder
        self.limit = limit
        self.tasks: dict[str, Task] = {}
        self._stopping = False
        self._saved = 0.0
        self._waiting: SimpleQueue[Task | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._resume()

    def admit(self) -> None:
        """ApiError 429 when the queue is full."""
        if len(self.tasks) >= self.limit:
            raise ApiError(Failure.TOO_BUSY, f"{len(self.tasks)} imports are waiting in '{self.workspace.name}'")

    def submit(self, request: Request, spool: Path) -> Job:
        """Queues the import of a spooled file, which it deletes in the end."""
        self.admit()
        id = spool.name
        job = Job(
            id=id,
            kind=request.kind,
            state=JobState.QUEUED,
            progress=0.0,
            rows_read=0,
            accepted=0,
            rejected=0,
            bytes=spool.stat().st_size,
            created=_now(),
        )
        self._enqueue(Task(Kept(job, request), spool))
        return job

    def job(self, id: str) -> Job:
        """ApiError 404 when there is none."""
        task = self.tasks.get(id)
        if task is not None:
            return task.kept.job
        value = self.workspace.documents.get(COLLECTION, id)
        if value is None:
            raise ApiError(Failure.UNKNOWN_JOB, f"no job with the id '{id}'")
        return decode_kept(value).job

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        ids = [id for id, _ in self.workspace.documents.items(COLLECTION)]
        return sorted((self.job(id) for id in ids), key=lambda job: job.created, reverse=True)

    def cancel(self, id: str) -> Job:
        """Asks a job to stop: it writes nothing. ApiError 409 when it has ended."""
        job = self.job(id)
        task = self.tasks.get(id)
        if task is None or job.state.ended:
            raise ApiError(Failure.JOB_FINISHED, f"the job is {job.state} already")
        task.cancelled.set()
        return job

    def rejects(self, id: str) -> Path:
        """The file of rejected rows."""
        self.job(id)
        path = self._rejects_path(id)
        if not path.exists():
            raise ApiError(Failure.NO_REJECTS, "the job has rejected no rows")
        return path

    def close(self) -> None:
        """Stops the running job, which runs again when the workspace is next served."""
        self._stopping = True
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()

    # --- the thread that works the queue off ------------------------------------------------------------------

    def _work(self) -> None:
        while (task := self._waiting.get()) is not None and not self._stopping:
            self._run(task)

    def _run(self, task: Task) -> None:
        job = task.kept.job
        job.state, job.started = JobState.RUNNING, _now()
        try:
            self._save(task.kept)
            ack = self._import(task)
        except Cancelled:
            if self._stopping and not task.cancelled.is_set():
                return
            self._end(task, JobState.CANCELLED)
        except ProblemError as error:
            self._end(task, JobState.FAILED, str(error), [shown(problem) for problem in error.problems])
        except EXPECTED as error:
            self._end(task, JobState.FAILED, str(error))
        except Exception:
            # A job runs on no request: without this its thread would die and the queue stand still for ever.
            log.exception("import %s of workspace %s failed", job.id, self.workspace.name)
            self._end(task, JobState.FAILED, "something went wrong in the server; its log says more")
        else:
            job.accepted, job.duplicates, job.seq, job.progress = ack.accepted, ack.duplicates, ack.seq, 1.0
            self._end(task, JobState.DONE)
            self._meters.accepted(self.workspace.name, job.kind, ack.accepted)

    def _import(self, task: Task) -> Ack:
        """Infer, then read and write in one go; the schema grows only when every row was read."""
        request, job = task.kept.request, task.kept.job
        inferred = infer(task.spool, request.kind, self.workspace.schema, request.options)
        job.notices = [shown(notice) for notice in inferred.notices]
        patch = inferred.patch if inferred.patch and not inferred.problems else None
        job.problems = []
        with RejectsFile(self._rejects_path(job.id)) as rejects:
            batches = self._batches(task, inferred, self.workspace.grown(patch or {}), rejects)
            if request.kind is Kind.EVENTS:
                return self.workspace.bulk_events(batches, create_contacts=request.create_contacts, patch=patch)
            return self.workspace.bulk_contacts(batches, companies=request.kind is Kind.COMPANIES, patch=patch)

    def _batches(self, task: Task, inferred: Inferred, schema: Schema, rejects: RejectsFile) -> Iterator[Batch]:
        def add(reject: Reject) -> None:
            rejects(reject)
            if len(task.kept.job.problems) < PROBLEMS_KEPT:
                task.kept.job.problems = [*task.kept.job.problems, RowProblem.of(reject)]

        def note(progress: Progress) -> None:
            job = task.kept.job
            job.progress = progress.share * SHARE_OF_READING
            job.rows_read, job.accepted, job.rejected = progress.read, progress.accepted, progress.rejected
            job.reasons = list(progress.reasons)
            if time.monotonic() - self._saved > SAVED_EVERY:
                self._save(task.kept)

        yield from read(
            task.spool,
            inferred,
            schema,
            on_error=task.kept.request.on_error,
            advice=GOING_ON,
            rejects=add,
            progress=note,
            cancelled=lambda: self._stopping or task.cancelled.is_set(),
        )
        # From here on the rows may have been written when the server is killed: see `_resume`.
        task.kept.before = self.workspace.seq
        self._save(task.kept)

    def _end(self, task: Task, state: JobState, reason: str | None = None, errors: Sequence[ProblemView] = ()) -> None:
        job = task.kept.job
        job.state, job.reason, job.finished = state, reason, _now()
        job.errors = list(errors)
        if state is not JobState.DONE:
            job.accepted = 0
        self._save_last(task.kept)
        task.spool.unlink(missing_ok=True)
        del self.tasks[job.id]

    # --- documents --------------------------------------------------------------------------------------------

    def _enqueue(self, task: Task) -> None:
        self._save(task.kept)
        self.tasks[task.kept.job.id] = task
        self._waiting.put(task)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"imports-{self.workspace.name}", daemon=True)
                self._thread.start()

    def _save(self, kept: Kept) -> None:
        self.workspace.documents.put(COLLECTION, kept.job.id, encode_kept(kept))
        self._saved = time.monotonic()

    def _save_last(self, kept: Kept) -> None:
        """Saves an ended job; on a disk without room it is only remembered as unfinished, and runs again."""
        try:
            self._save(kept)
        except (StorageFull, StorageFailed) as error:
            log.warning("the end of import %s could not be saved: %s", kept.job.id, error)

    def _resume(self) -> None:
        """Takes up what the last server left, and forgets spool files that belong to no job."""
        known = set()
        for id, value in self.workspace.documents.items(COLLECTION):
            kept = decode_kept(value)
            if not kept.job.state.ended:
                known.add(id)
                self._take_up(kept, self.folder / id)
        for path in self.folder.iterdir():
            if path.suffix != ".csv" and path.name not in known:
                path.unlink()

    def _take_up(self, kept: Kept, spool: Path) -> None:
        if not spool.exists():
            reason = "the server stopped while it ran, and its file is gone"
        elif kept.before is not None and kept.before != self.workspace.seq:
            reason = f"the server stopped while its rows were being written, after {kept.before}; check before retrying"
        else:
            kept.job.state, kept.before = JobState.QUEUED, None
            self._enqueue(Task(kept, spool))
            return
        kept.job.state, kept.job.reason, kept.job.finished = JobState.FAILED, reason, _now()
        self._save(kept)

    def _rejects_path(self, id: str) -> Path:
        return self.folder / f"{id}.rejects.csv"


class Importers:
    """The import queues of all workspaces, each made when first asked for."""

    def __init__(self, tamis: Tamis, folder: Path, limit: int, meters: Meters) -> None:
        self._tamis = tamis
        self._folder = folder
        self._limit = limit
        self._meters = meters
        self._lines: dict[str, Line] = {}
        self._making = threading.Lock()

    def start(self) -> None:
        """Takes up the jobs that the last server left in any workspace."""
        for name in self._tamis.workspaces():
            self.line(name)

    def line(self, workspace: str) -> Line:
        """UnknownWorkspace."""
        with self._making:
            if workspace not in self._lines:
                folder = self._folder / workspace
                self._lines[workspace] = Line(self._tamis.workspace(workspace), folder, self._limit, self._meters)
            return self._lines[workspace]

    def close(self) -> None:
        for line in self._lines.values():
            line.close()


def new_spool(line: Line) -> Path:
    """Where a body is spooled; the name becomes the job's id."""
    return line.folder / secrets.token_hex(8)


def _now() -> str:
    return iso_datetime(time.time_ns() // 1_000_000)
