"""`yolodeploy detect`: pictures to a running app."""

from __future__ import annotations

from pathlib import Path

import click

from yolodeploy.cli.output import emit_data, output_option, print_table, say


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--site", help="Default: the first site that runs the app.")
@click.option("--app", help="Default: the only app there.")
@output_option
def detect(images: tuple[Path, ...], site: str | None, app: str | None, form: str) -> None:
    """Send pictures to a running app; prints boxes and stage times."""
    from yolodeploy.ops.detect import detect as run_detect
    from yolodeploy.ops.home import home

    answers = run_detect(home(), images, site=site, app=app)
    if form not in ("table", "wide", "name"):
        emit_data([{"image": str(path), "answer": answer} for path, answer in answers], form)
        return
    rows = [
        [
            path.name,
            answer.classes[box.class_id] if box.class_id < len(answer.classes) else "?",
            f"{box.score:.2f}",
            f"{box.x1:.0f},{box.y1:.0f} {box.x2:.0f},{box.y2:.0f}",
        ]
        for path, answer in answers
        for box in answer.boxes
    ]
    print_table(rows, ["image", "class", "score", "box"])
    total = sum(answer.stages_ms.get("total", 0.0) for _, answer in answers) / len(answers)
    say(f"{len(answers)} pictures, {len(rows)} boxes, {total:.1f} ms a picture in the server")
