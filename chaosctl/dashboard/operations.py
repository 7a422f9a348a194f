"""What changes anything: asked first, with the command that is then run, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from chaosctl.dashboard.consent import consent_for, dry_run
from chaosctl.dashboard.dialogs import Ask, Output
from chaosctl.dashboard.feeds import Feed
from chaosctl.dashboard.jobs import Job
from chaosctl.dashboard.screens.overview import kill_command
from chaosctl.dashboard.snapshots import InstanceCell

if TYPE_CHECKING:
    from chaosctl.dashboard.app import Dashboard

HALT_REASON = "H in the dashboard"


class Operations:
    """The commands that were started here."""

    def __init__(self, app: Dashboard) -> None:
        self._app = app
        self._jobs: list[Job] = []
        self._opened: set[str] = set()
        self._leaving: list[Job] = []

    def start(self, arguments: Sequence[str]) -> Job:
        """Start a command."""
        job = Job(arguments)
        self._jobs.append(job)
        job.start(self._app.context, self._app.heard)
        return job

    def own_runs(self) -> list[Job]:
        """Runs that were started here and have not ended."""
        return [job for job in self._jobs if job.owns_run]

    def run(self, arguments: Sequence[str], title: str = "run this experiment?") -> None:
        """Show the plan, ask, run; then follow it on the run screen."""
        context = self._app.context
        consent = Feed(
            "consent",
            partial(consent_for, tuple(arguments), context.env),
            context,
            every_s=1e9,
            heard=self._app.heard,
        )
        consent.ask()
        plan = self.start(dry_run(arguments))
        asked = Ask(title, arguments, self._app.glyphs, plan=plan, consent=consent)
        self._app.push_screen(asked, partial(self._run_if, asked))

    def kill(self, instance: InstanceCell) -> None:
        """Kill one instance, by the experiment that does this."""
        title = f"kill {instance.id} ({instance.service} in {instance.zone})?"
        self.run(kill_command(instance), title)

    def undo(self, run_id: str) -> None:
        """Take a run back."""
        row = self._app.desk.find_run(run_id)
        about = f"{row.experiment}, {row.state}, undo {row.undo or 'not said yet'}" if row else ""
        self._ask_for(["undo", run_id], f"undo run {run_id}?", about)

    def halt(self) -> None:
        """The kill switch: nothing that hangs is in its way."""
        about = "Stops every run that you may signal, and undoes what they did."
        arguments = ["halt", "--reason", HALT_REASON]
        self._ask_for(arguments, "halt everything?", about, default_yes=True)

    def anything(self, arguments: Sequence[str]) -> None:
        """Any other command, as it was written."""
        self._ask_for(arguments, "run this command?", "")

    def follow(self) -> None:
        """Open the run screen on a run that has just begun; say how one has ended."""
        for job in [job for job in self._jobs if job.is_run]:
            if job not in self._jobs:
                continue  # opening its screen drew everything, and came by here
            if job.run_id and job.run_id not in self._opened:
                self._opened.add(job.run_id)
                self._app.run_screen.open(job.run_id)
                if len(self._app.screen_stack) == 1:
                    self._app.action_show("run")
            if job.code is not None:
                self._jobs = [other for other in self._jobs if other is not job]
                self._tell_end(job)
        self._jobs = [job for job in self._jobs if job.code is None]
        if self._leaving and all(job.code is not None for job in self._leaving):
            self._app.exit()

    def leave(self, jobs: Sequence[Job], answer: str | None) -> None:
        """How to quit: leave the runs alone, or stop them and wait for their undo."""
        if answer == "l":
            self._app.exit()
        elif answer == "h":
            self._leaving = list(jobs)
            for job in jobs:
                job.interrupt()
            self._app.tell("waiting until everything is undone")

    def _tell_end(self, job: Job) -> None:
        if job.run_id:
            self._app.tell(f"run {job.run_id} ended with exit code {job.code}")
        elif self._app.screen_stack:
            self._app.push_screen(Output(job, self._app.glyphs))  # it never began: show why

    def _run_if(self, asked: Ask, answer: str | None) -> None:
        if answer == "yes":
            job = self.start(asked.arguments)
            self._app.tell(f"$ {job.text}")

    def _ask_for(
        self, arguments: Sequence[str], title: str, about: str, *, default_yes: bool = False
    ) -> None:
        glyphs = self._app.glyphs
        asked = Ask(title, arguments, glyphs, about=about, default_yes=default_yes)
        run: Callable[[str | None], Any] = lambda answer: (  # noqa: E731
            self._app.show_output(arguments) if answer == "yes" else None
        )
        self._app.push_screen(asked, run)
