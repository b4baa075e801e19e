"""Who people are on the test server, and how the Bot API describes them: with every field that it promises."""

from __future__ import annotations

ANONYMOUS_ADMIN = 1087968824  # @GroupAnonymousBot: who an anonymous administrator appears as
CHANNEL_BOT = 136817688  # @Channel_Bot: who a channel's message in a group appears as
SERVICE_USER = 777000  # who a linked channel's posts come from
BOT_ID = 4242
OTHER_BOT = 4243

_ADMIN_RIGHTS = [
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
]
_MEMBER_RIGHTS = [
    "is_member",
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
    "can_edit_tag",
    "can_react_to_messages",
]
_IN = {"creator", "administrator", "editor", "member", "muted"}


def user_json(user_id: int) -> dict[str, object]:
    """Describe a user. Names are there so that a test can find them where they must not be."""
    is_bot = user_id in {ANONYMOUS_ADMIN, CHANNEL_BOT, BOT_ID, OTHER_BOT}
    return {"id": user_id, "is_bot": is_bot, "first_name": "Ana", "username": f"ana{user_id}", "language_code": "en"}


def member_json(user: int, status: str, kind: str = "supergroup") -> dict[str, object]:
    """Describe a member by its status: the Bot API's six, and two that say more.

    `editor` is an administrator who may edit a channel's posts and not post; `muted` is a restricted member of a
    group, while a `restricted` one has left.
    """
    member: dict[str, object] = {"user": user_json(user), "status": status}
    match status:
        case "creator":
            return member | {"is_anonymous": False}
        case "administrator" | "editor":
            member |= {"status": "administrator"} | dict.fromkeys(_ADMIN_RIGHTS, False)
            posts = {"can_post_messages": status == "administrator", "can_edit_messages": True}
            return member | (posts if kind == "channel" else {})
        case "restricted" | "muted":
            rights = dict.fromkeys(_MEMBER_RIGHTS, False) | {"is_member": status == "muted"}
            return member | {"status": "restricted"} | rights | {"until_date": 0}
        case "kicked":
            return member | {"until_date": 0}
    return member


def is_in(status: str) -> bool:
    """Tell whether somebody of this status is in the chat."""
    return status in _IN
