"""Text for the places it is shown in: terminals, HTML, spreadsheets. The lowest floor: it imports nothing of ours."""
