"""Workspaces: made on request, listed."""

from __future__ import annotations

import msgspec

from server.auth import Scope
from server.operations import Call, in_thread


class WorkspaceView(msgspec.Struct, frozen=True):
    """A workspace and the sequence number of its newest change."""

    name: str
    seq: int


class WorkspaceList(msgspec.Struct, frozen=True):
    workspaces: list[WorkspaceView]


async def create(call: Call) -> WorkspaceView:
    name = call.param("workspace")
    if name not in call.service.tamis.workspaces():
        call.status = 201
    workspace = await in_thread(call.service.tamis.create, name)
    await call.service.crew.opened(workspace)
    return WorkspaceView(workspace.name, workspace.seq)


async def listing(call: Call) -> WorkspaceList:
    directory, key = call.service.directory, call.key
    names = [name for name in directory.workspaces() if key is None or any(key.allows(scope, name) for scope in Scope)]
    return WorkspaceList([WorkspaceView(name, directory.workspace(name).seq) for name in names])
