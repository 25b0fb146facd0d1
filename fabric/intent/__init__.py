"""Who may exchange which routes: offers, intents between VRFs, transit."""
